enum PlaceholderQueue {}
