//! A device's registers: words at fixed addresses.

/// One register.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Register(*mut u32);

/// A device's block of registers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block(usize);

impl Block {
    /// The block at `base`.
    ///
    /// # Safety
    ///
    /// There is a device of the kind whose driver uses the block, and nothing else uses it.
    pub(crate) const unsafe fn at(base: usize) -> Self {
        Self(base)
    }

    pub(crate) const fn register(self, offset: usize) -> Register {
        Register((self.0 + offset) as *mut u32)
    }
}

impl Register {
    pub(crate) fn read(self) -> u32 {
        // SAFETY: a `Block` is made for a device that is there.
        unsafe { self.0.read_volatile() }
    }

    pub(crate) fn write(self, value: u32) {
        // SAFETY: as above.
        unsafe { self.0.write_volatile(value) }
    }
}
