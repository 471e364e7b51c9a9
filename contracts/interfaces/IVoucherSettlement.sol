// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Vouchers signed for the payer: for providers whose machine nobody has to trust.
/// @notice The payer delegates a session key once, in the inference domain:
/// `Delegation(address provider,address user,address sessionKey,uint96 cap,uint40 expiry)`.
/// The session key signs the same statement: nobody can bind a key that is not theirs. With one provider it
/// belongs to one payer for ever; a payer may have several.
/// Before each answer the session key signs the most that the provider may have claimed of the payer by its end:
/// `Voucher(address provider,uint96 cumulative)`.
///
/// A row is 88 bytes: claimed cumulative (12), signed cumulative (12), signature as `r` (32) and `vs` (32,
/// EIP-2098). The key that signed names the payer. It pays when the claim is higher than `settled`, not higher
/// than what was signed nor than the cap, the delegation is no older than one lock time after its expiry, the
/// sub-account was not closed since, and is not settled by batches. What is not covered stays owed. The first
/// voucher that pays makes it an account of vouchers, until the payer acknowledges a signer anew and a batch of
/// that signer pays.
interface IVoucherSettlement {
    /// @notice `sessionKey` may sign vouchers of `user` up to `cap` in all, until `expiry` (unix seconds).
    event Delegated(
        address indexed user, address indexed provider, address sessionKey, uint256 cap, uint256 expiry
    );
    /// @notice Vouchers were settled: `paid` neuron of `payers` rows went to `payee`; one `PayerSettled` each
    /// comes before.
    event VouchersSettled(address indexed provider, address payee, uint256 payers, uint256 paid);

    /// @dev A delegation needs an expiry later than now, and than the key's before.
    error ExpiryNotLater(uint256 expiry, uint256 floor);
    /// @dev The cap of a session key never falls: what it signed stays owed.
    error CapLowered(uint256 cap, uint256 floor);
    /// @dev The delegation is not signed by the payer.
    error NotThePayer(address signer);
    /// @dev The delegation is not signed by the session key.
    error NotTheSessionKey(address signer);
    /// @dev The session key signs for another payer of this provider.
    error SessionKeyTaken(address user);
    /// @dev A session key that was ended, or expired, stays so: the payer takes another.
    error SessionOver(uint256 expiry);

    /// @notice Stores a delegation, or extends it. By the payer, or by anyone with the payer's signature.
    /// @param cap Neuron in all, rounded down to whole gwei (10^9 neuron).
    /// @param proof The session key's signature of the delegation.
    /// @param signature The payer's; empty when the payer sends.
    function delegateSession(
        address provider,
        address user,
        address sessionKey,
        uint96 cap,
        uint40 expiry,
        bytes calldata proof,
        bytes calldata signature
    ) external;

    /// @notice Ends the caller's session key now: what it signed can be claimed for one lock time more.
    function endSession(address provider, address sessionKey) external;

    /// @notice Settles vouchers. The provider sends an account's first, anyone those after it; the provider's payee
    /// is paid.
    /// @return paid Neuron.
    function settleVouchers(address provider, bytes calldata rows) external returns (uint256 paid);

    /// @return user Whose vouchers the key signs; the zero address when it was never delegated.
    /// @return cap Neuron in all; zero when the sub-account was closed since.
    /// @return expiry Unix seconds.
    function delegationOf(address provider, address sessionKey)
        external
        view
        returns (address user, uint256 cap, uint256 expiry);
}
