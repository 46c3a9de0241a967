"""What training and inference cost: time, memory and energy, on a known machine."""
