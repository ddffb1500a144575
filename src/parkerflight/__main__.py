from parkerflight.ops.cli import main

main()
