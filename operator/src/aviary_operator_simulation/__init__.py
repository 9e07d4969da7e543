"""What stands around the operator in its component tests and benchmarks: a node that runs pods, bots that answer.

Not shipped: the wheel has ``aviary_operator`` only. The API server beside it is a real one.
"""
