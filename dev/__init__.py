"""What developing needs: embedded services, checks of the house, translations."""
