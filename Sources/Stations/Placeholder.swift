enum PlaceholderStations {}
