// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Settlement of many payers by one signature of their provider's enclave.
/// @notice Amounts are cumulative: what a payer owes in all since the beginning. Numbers order a provider's
/// statements: every receipt and every batch takes the next one, and the epoch is their upper 16 bits
/// (`upTo >> 32`), so that a broker that lost its ledger opens a new epoch and repeats no number.
///
/// Signed in the inference domain as
/// `SettlementBatch(address provider,uint32 epoch,uint48 upTo,uint64 asOf,bytes rows)`.
/// A row is 32 bytes: payer address (20), cumulative in neuron (12). It pays when
///
/// 1. `upTo` is higher than the number that raised the payer's `settled`, and the cumulative than `settled`;
/// 2. the payer acknowledges the signer; if settled by vouchers before, has acknowledged it since;
/// 3. there is spendable balance: what is not covered stays owed, and a later batch may collect it;
/// 4. the sub-account was not closed and opened again after `asOf`.
///
/// A row that does not pay changes nothing and is not logged, so sending a batch again pays nothing.
interface IBatchSettlement {
    /// @notice A payer was charged. `paidAndSettled` is `paid << 128 | settled`, settled being the new cumulative.
    /// The provider is that of the next `BatchSettled` of this contract in the same transaction.
    event PayerSettled(address indexed user, uint256 paidAndSettled);
    /// @notice A batch was settled: `paid` neuron of `payers` payers went to `payee`.
    event BatchSettled(
        address indexed provider, address payee, uint256 upTo, uint256 asOf, uint256 payers, uint256 paid
    );
    /// @notice Numbers of `provider` start at `epoch << 32` from here on.
    event EpochOpened(address indexed provider, uint256 epoch);
    /// @notice Batches and vouchers of `provider` are paid to `payee`.
    event PayeeChanged(address indexed provider, address indexed payee);

    /// @dev `asOf` lies after the block's time or more than 30 days before it.
    error BatchOutOfTime(uint256 asOf, uint256 now_);
    /// @dev The batch is of another epoch than the provider's.
    error WrongEpoch(uint256 signedEpoch, uint256 currentEpoch);
    /// @dev The address that signed may not settle this batch for the provider.
    error SignerNotAccepted(address signer);
    error RowsMalformed(uint256 length);
    error EpochNotNext(uint256 epoch, uint256 currentEpoch);

    /// @notice Settles a batch. Anyone may send it; the provider's payee is paid.
    /// @param upTo The number of the batch: higher than that of every receipt it covers.
    /// @param asOf Unix seconds at which the batch was made.
    /// @return paid Neuron.
    function settleBatch(
        address provider,
        uint48 upTo,
        uint64 asOf,
        bytes calldata rows,
        bytes calldata signature
    ) external returns (uint256 paid);

    /// @notice Opens the next epoch. By the provider, or by anyone with the present signer's signature over
    /// `OpenEpoch(address provider,uint32 epoch)`.
    function openEpoch(address provider, uint32 epoch, bytes calldata signature) external;

    /// @notice Sends future batch and voucher payments of the caller to `payee`; zero: to the caller.
    function setPayee(address payee) external;

    function epochOf(address provider) external view returns (uint256);

    function payeeOf(address provider) external view returns (address);

    /// @notice What batches and vouchers know of a sub-account.
    /// @return settled Cumulative neuron paid so far; survives closing.
    /// @return upTo Number of the statement that raised it.
    /// @return version Signer number that raised it.
    /// @return mode 0: none yet, 1: batches, 2: vouchers.
    function settledOf(address user, address provider)
        external
        view
        returns (uint256 settled, uint256 upTo, uint256 version, uint256 mode);
}
