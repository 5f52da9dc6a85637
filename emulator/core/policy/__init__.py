"""The language of policies, which S3's bucket policies and IAM's policies share.

Source: "IAM JSON policy elements reference" and "Policy evaluation logic" of the IAM user guide.
"""
