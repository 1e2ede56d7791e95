FUNC optee , :
	dsb	ishst
	tlbi	alle2is
	dsb	ish
	isb
	ret
END_FUNC optee

ENTRY(encoded)
	dsb	ishst
	sys	#4, c8, c3, #0
	dsb	ish
	isb
	ret
ENDPROC(encoded)
