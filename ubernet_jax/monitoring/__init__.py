"""What a run tells: progress, log, pictures and scores; and where it comes from."""
