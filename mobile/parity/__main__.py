from mobile.parity.command import main
from training.errors import run_cli

run_cli(main)
