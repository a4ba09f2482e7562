"""Prepared datasets on disk: records, shards, image files, fingerprints."""
