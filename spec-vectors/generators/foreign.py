"""Other implementations: what they make, and what they say of each token.

Each is a small program that reads lines of fields, separated by tabs and in hexadecimal behind the second, and answers each:

    make <name> <root key> <location> <identifier> [<caveat> …]     → make <name> <token V2> <token V1>
    attenuate <name> <token> <caveat>                               → attenuate <name> <token>
    verify <name> <root key> <token>                                → verify <name> <verdict>

`-` stands for what it cannot make. Its verdicts are those of the vectors, and `third-party` (readable, but a discharge is missing) and
`unsupported` (not a format that it knows). Before all that it names itself: `implementation <name and version>`.
"""

import subprocess


class Implementation:
    def __init__(self, command, requests):
        text = "".join("\t".join(request) + "\n" for request in requests)
        answers = subprocess.run(command, input=text, capture_output=True, text=True, check=True, timeout=120).stdout.splitlines()
        (_, self.name), *answers = [answer.split("\t") for answer in answers]
        assert len(answers) == len(requests), f"{self.name}: {len(answers)} answers to {len(requests)} requests"
        self.answers = {tuple(answer[:2]): answer[2:] for answer in answers}

    def made(self, name, version):
        return self.answers["make", name][2 - version]

    def attenuated(self, name):
        return self.answers["attenuate", name][0]

    def verdict(self, name):
        return self.answers["verify", name][0]


def ask(commands, recipes, attenuations, tokens):
    """Puts all questions to all implementations. Names are positions in the three lists."""
    requests = [("make", str(n), *(part.hex() for part in recipe[1:])) for n, recipe in enumerate(recipes)]
    requests += [("attenuate", str(n), *words) for n, words in enumerate(attenuations)]
    requests += [("verify", str(n), *words) for n, words in enumerate(tokens)]
    return [Implementation(command, requests) for command in commands]
