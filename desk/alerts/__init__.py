"""Where staff are told of trouble."""
