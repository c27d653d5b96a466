def survivors(unit, path, seed):
    raise NotImplementedError
