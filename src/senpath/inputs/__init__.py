"""What people have, read and encoded: sources, modalities, pretrained encoders."""
