"""What a case costs: seconds, bytes and watt-hours, and on which machine."""
