from mobile.parity.command import main
from training.common.errors import run_cli

if __name__ == "__main__":  # a worker process that is spawned imports this file
    run_cli(main)
