"""The official OpenAI client for Python, through `0g-compute proxy`, which pays and verifies.

pip install openai
export OPENAI_BASE_URL=http://127.0.0.1:8420/v1 OPENAI_API_KEY=$(0g-compute proxy --show-token)
"""

from openai import OpenAI

client = OpenAI()
raw = client.chat.completions.with_raw_response.create(
    model="auto",
    max_tokens=24,
    messages=[{"role": "user", "content": "What is a receipt?"}],
)
print(raw.parse().choices[0].message.content)
print(raw.headers["x-0g-verdict"], raw.headers["x-0g-fee"], "neuron")
