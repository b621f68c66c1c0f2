"""What the Android and iOS apps receive: ``install_assets`` puts artefacts into them, ``golden`` tests them."""
