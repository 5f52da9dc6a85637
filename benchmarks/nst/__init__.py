"""Speed and quality of the style transfer."""
