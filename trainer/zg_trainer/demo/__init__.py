"""The demo model: a small Llama that knows this network, trained from text that is generated here."""
