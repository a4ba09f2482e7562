"""How prepared datasets lie on disk: records, shards, image files, fingerprints."""
