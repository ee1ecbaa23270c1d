"""What is a dialogue about? Text classification with scikit-learn on jpseq's tokenizer.

    python examples/classify.py
    python examples/classify.py FOLDER --folds 10

FOLDER holds one JSON Lines file of dialogues for each topic, named after the topic; without it the
bundled dialogues are taken. MeCab is a scikit-learn transformer, so raw text goes in.
"""

import argparse
import sys
from operator import attrgetter
from pathlib import Path

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from jpseq import JpseqError, MeCab, bundled, read_dialogues


def read_topics(folder: Path) -> tuple[list[str], list[str]]:
    """The text of each dialogue, and its topic."""
    texts, topics = [], []
    for file in sorted(folder.glob("*.jsonl")):
        for dialogue in read_dialogues(file):
            texts.append("\n".join(turn.text for turn in dialogue))
            topics.append(file.stem)
    return texts, topics


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=bundled("dialogues"))
    parser.add_argument("--folds", type=int, default=5, help="parts of the cross-validation")
    parser.add_argument("--seed", type=int, default=0, help="draws the folds")
    options = parser.parse_args()

    try:
        texts, topics = read_topics(options.folder)
    except JpseqError as error:
        sys.exit(f"{error}")
    counts = [topics.count(topic) for topic in set(topics)]
    if len(counts) < 2 or min(counts) < options.folds:
        sys.exit(f"{options.folder}: two topics of {options.folds} dialogues each are needed.")

    # The tokenizer learns nothing from the texts, so it may run once, outside the folds. What
    # learns (the weights of words, the classifier) is fitted anew in each fold.
    tokens = MeCab(lemma=True).transform(texts)
    classifier = make_pipeline(TfidfVectorizer(analyzer=attrgetter("form")), LinearSVC())
    folds = StratifiedKFold(options.folds, shuffle=True, random_state=options.seed)
    scores = cross_val_score(classifier, tokens, topics, cv=folds)
    baseline = cross_val_score(DummyClassifier(strategy="most_frequent"), tokens, topics, cv=folds)

    print(f"{len(texts):,} dialogues, {len(set(topics))} topics")
    print(f"accuracy {scores.mean():.3f} (standard deviation over folds {np.std(scores):.3f})")
    print(f"most frequent topic {baseline.mean():.3f}")
    print(
        f"stratified {options.folds}-fold cross-validation over dialogues, seed {options.seed};"
        " TF-IDF of lemmas (MeCab, unidic-lite), linear SVM with its default parameters"
    )

    # A classifier for new texts: everything in one scikit-learn pipeline, raw text in.
    whole = make_pipeline(MeCab(lemma=True), classifier).fit(texts, topics)
    question = "駅まで歩いて何分くらいかかりますか。"
    print(f"{question} → {whole.predict([question])[0]}")


if __name__ == "__main__":
    main()
