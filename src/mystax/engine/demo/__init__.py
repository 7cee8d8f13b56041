"""The demonstration: a scene, a face and a brain are made, measured and compared with their truth."""
