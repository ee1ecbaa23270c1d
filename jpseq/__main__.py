"""python -m jpseq: the jpseq command, for torchrun and the like."""

from jpseq.cli.app import main

if __name__ == "__main__":
    main()
