"""The web page of mystax, served by the user's own machine."""
