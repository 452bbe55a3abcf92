"""Lets `python -m bus.cli` do what `agentbus` does; the supervisor starts the publisher's process this way."""

from bus.cli.app import main

if __name__ == "__main__":
    main()
