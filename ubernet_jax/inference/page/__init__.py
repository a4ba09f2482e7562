"""The web page: its layout, the requests that it answers, and the files of its visitors."""
