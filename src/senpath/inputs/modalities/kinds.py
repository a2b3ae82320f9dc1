"""File endings by what they hold."""

IMAGE_FILES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")
SOUND_FILES = (".wav", ".flac", ".ogg")
