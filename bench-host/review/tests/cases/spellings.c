#define DEFINE_SYSOP_TYPE_FUNC(_op, _type) \
static inline void _op ## _type(void) { __asm__ (#_op " " #_type : : : "memory"); }
#define DEFINE_SYSOP_TYPE_PARAM_FUNC(_op, _type) \
static inline void _op ## _type(uint64_t v) { __asm__ (#_op " " #_type ", %0" : : "r" (v)); }
DEFINE_SYSOP_TYPE_FUNC(dsb, ishst)
DEFINE_SYSOP_TYPE_FUNC(dsb, ish)
DEFINE_SYSOP_TYPE_PARAM_FUNC(tlbi, vaae1is)
void sysop(uintptr_t va) { dsbishst(); tlbivaae1is(TLBI_ADDR(va)); dsbish(); isb(); }

void option_as_operand(void)
{
	asm volatile ("dsb #%0" : : "i" (10));
	asm volatile ("tlbi alle2is");
	asm volatile ("dsb %[domain]" : : [domain] "i" (ISH));
	asm volatile ("isb");
}

#define PASTE(_va, _sh) do { dsb(_sh##st); __TLBIVAE2##_sh(_va >> 12); dsb(_sh); isb(); } while (false)
#define __TLBIVAE2ish tlbivae2is
void pasted(uintptr_t va) { PASTE(va, ish); }

template_call() { data_synchronization_barrier<ISHST>(); tlbi(alle2is); data_synchronization_barrier<ISH>(); isb(); }

void upper_case(void) {
	DSB;
	tlbi(alle2is);
	DSB;
	CF;
	ISB;
}
