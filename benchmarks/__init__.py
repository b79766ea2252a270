"""What ``make bench`` measures: each figure against a peer, in the same process, in turns."""
