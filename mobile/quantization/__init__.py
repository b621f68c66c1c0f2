"""Where int8 is made, from the deploy form to the one quantized program.

Read ``qat`` (quantization-aware training, ``sth qat``), ``bias_correction``, then ``quantized_program`` (the int8 state
and its file). The int8 arithmetic itself is ``mobile.deploy.number_systems``.
"""
