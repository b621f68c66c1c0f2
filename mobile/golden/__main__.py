from mobile.golden.vectors import main
from training.errors import run_cli

run_cli(main)
