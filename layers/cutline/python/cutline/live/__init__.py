"""The work of `cutline check`: live pictures, judged one by one.

listing      the pictures that a person names: files, folders, addresses, tables of addresses
shops        the pictures of a shop's products, through Shopify's and WooCommerce's APIs
download     pictures from a shop's servers: guarded, no faster than asked, tried again
run          every picture once; an interrupted run goes on where it stopped
"""
