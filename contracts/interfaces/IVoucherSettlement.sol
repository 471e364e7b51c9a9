// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Vouchers signed for the payer: for providers whose machine nobody has to trust.
/// @notice The payer delegates a session key once, in the inference domain:
/// `Delegation(address provider,address user,address sessionKey,uint96 cap,uint40 expiry)`.
/// Before each answer the session key signs the most that the provider may have claimed by its end:
/// `Voucher(address provider,address user,uint96 cumulative)`.
///
/// A row is 108 bytes: payer (20), claimed cumulative (12), signed cumulative (12), signature as `r` (32) and
/// `vs` (32, EIP-2098). It pays when the claim is higher than `settled`, not higher than what was signed nor than
/// the cap, the delegation is no older than one lock time after its expiry, and the account is not settled by
/// batches. What is not covered stays owed. The first voucher that pays makes it an account of vouchers, until
/// the payer acknowledges a signer anew and a batch of that signer pays.
interface IVoucherSettlement {
    /// @notice `sessionKey` may sign vouchers of `user` up to `cap` in all, until `expiry` (unix seconds).
    event Delegated(
        address indexed user, address indexed provider, address sessionKey, uint256 cap, uint256 expiry
    );
    /// @notice Vouchers were settled: `paid` neuron of `payers` payers went to `payee`; one `PayerSettled` each
    /// comes before.
    event VouchersSettled(address indexed provider, address payee, uint256 payers, uint256 paid);

    /// @dev A delegation needs a later expiry than every one before it, in the future.
    error ExpiryNotLater(uint256 expiry, uint256 floor);
    /// @dev The delegation is not signed by the payer.
    error NotThePayer(address signer);
    /// @dev The zero address signs nothing.
    error SessionKeyIsZero();

    /// @notice Stores a delegation. By the payer, or by anyone with the payer's signature.
    /// @param cap Neuron in all, rounded down to whole gwei (10^9 neuron).
    function delegateSession(
        address provider,
        address user,
        address sessionKey,
        uint96 cap,
        uint40 expiry,
        bytes calldata signature
    ) external;

    /// @notice Ends the caller's delegation now: what is signed can be claimed for one lock time more.
    function endSession(address provider) external;

    /// @notice Settles vouchers. The provider sends an account's first, anyone those after it; the provider's payee
    /// is paid.
    /// @return paid Neuron.
    function settleVouchers(address provider, bytes calldata rows) external returns (uint256 paid);

    function delegationOf(address user, address provider)
        external
        view
        returns (address sessionKey, uint256 cap, uint256 expiry);
}
