"""States of one recording or of many: inputs, fits, stored models, clips, and what people change in them."""
