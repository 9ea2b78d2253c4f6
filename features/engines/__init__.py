"""The engines that feature expressions run on: one file each, and what they do differently nowhere else."""
