"""What the phone runs: contract, deploy form, its quantization, runners, parity and latency."""
