"""What finds faces in pictures."""
