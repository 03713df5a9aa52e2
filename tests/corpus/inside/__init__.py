"""What runs inside the containers: each module is a program that prints one JSON document."""
