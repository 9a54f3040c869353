"""The stack in an emulator that is not ours, LocalStack in host mode: `make emulate`.

server    runs in LocalStack's own environment, build/localstack, and starts it
stack     the transformed template in it: every resource and its state
work      storage, queues, tables, keys and secret, by the product's own code
"""
