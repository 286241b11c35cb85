print("hintbench")
