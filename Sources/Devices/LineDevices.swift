enum PlaceholderDevices {}
