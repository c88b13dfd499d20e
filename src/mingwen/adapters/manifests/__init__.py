"""C2PA manifests: read and signed by c2pa-python, with keys in files, tokens or other programs."""
