"""stub"""
def write(x): pass
