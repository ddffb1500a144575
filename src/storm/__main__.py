"""`python -m storm`: what `./parker storm` runs."""

from storm.run import main

if __name__ == "__main__":
    main()
