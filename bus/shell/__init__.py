"""The shell around the core: one outside thing per file (Kafka, codecs, settings, metrics, the owner loop)."""
