"""What several tests share: tiny data, networks, runs, and files in foreign formats."""
