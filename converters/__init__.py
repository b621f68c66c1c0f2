"""One ``export_<target>.py`` per target, over one bundle and one quantized program."""
