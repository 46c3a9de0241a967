"""What several tests share: files, records, processes and stand-ins."""
