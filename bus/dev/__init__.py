"""Runs a real Apache Kafka on this machine, with nothing but Python installed.

Use::

    from bus.dev.broker import start_broker

    with start_broker(data=None, port=None, on_progress=print) as broker:
        print(broker.bootstrap)      # "127.0.0.1:PORT"; create topics, send, read
    # stopped, and its temporary data removed

`bus.dev.errors.DevError` is the only error that leaves this package: one sentence that names the
cause, one that names the next step.
"""
