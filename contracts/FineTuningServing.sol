// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {FineTuningDesk} from "./FineTuningDesk.sol";
import {ServingAccounts} from "./base/ServingAccounts.sol";
import {ServingCore} from "./base/ServingCore.sol";
import {TaskEscrow} from "./base/TaskEscrow.sol";
import {ILedgerManager} from "./interfaces/ILedgerManager.sol";
import {ITaskEscrow} from "./interfaces/ITaskEscrow.sol";
import {ServingParameters} from "./interfaces/ServingParameters.sol";
import {AccountWord} from "./libraries/AccountWord.sol";

/// @title Fine-tuning: services, sub-accounts, deliverables and their payment.
/// @dev The contract holds exactly the sum of the balances and of the escrows. What lies in which word:
/// docs/CONTRACTS.md.
contract FineTuningServing is TaskEscrow {
    /// @dev The deployed type names no provider (weakness W-02); task orders do.
    bytes32 private constant MESSAGE_TYPEHASH = keccak256(
        "VerifierMessage(string id,bytes encryptedSecret,bytes modelRootHash,uint256 nonce,uint256 taskFee,address user)"
    );
    uint256 private constant MAX_SECRET_LENGTH = 4096;

    /// @dev See IFineTuningServing.
    uint256 public immutable penaltyPercentage;

    constructor(ServingParameters memory parameters, uint256 penalty)
        ServingCore(parameters, "0G Fine-Tuning Serving")
        ServingAccounts(address(new FineTuningDesk(parameters)))
    {
        if (parameters.ledger.code.length == 0) revert InvalidLedgerAddress();
        if (penalty > 100) revert PenaltyPercentageTooHigh(penalty);
        penaltyPercentage = penalty;
    }

    /// @notice There is no proxy: the constructor did it.
    function initialize(uint256 _locktime, address _ledgerAddress, address owner, uint256 _penaltyPercentage)
        external
    {
        revert AlreadyInitialized();
    }

    /// @notice The penalty never changes.
    function updatePenaltyPercentage(uint256 _penaltyPercentage) external {
        revert FixedAtDeployment();
    }

    /// @inheritdoc ServingAccounts
    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == type(ITaskEscrow).interfaceId || super.supportsInterface(interfaceId);
    }

    /* SETTLEMENT BY THE DEPLOYED ABI */

    /// @dev See IFineTuningServing.
    function settleFees(VerifierInput calldata verifierInput) external nonReentrant {
        address user = verifierInput.user;
        AccountWord word = _checkSettlement(verifierInput);
        Deliverable storage entry = _find(user, msg.sender, verifierInput.id);
        bool acknowledged = entry.acknowledged;
        uint256 fee = _feeDue(verifierInput, acknowledged);
        (uint256 spendable,) = _spendable(word, user, msg.sender);
        if (fee > spendable) revert InvalidVerifierInput("insufficient balance");
        _checkDelivery(verifierInput, entry);
        _checkSecret(verifierInput.encryptedSecret, acknowledged);

        _sides[msg.sender][user].nonce = uint112(verifierInput.nonce); // safe: checked
        entry.settled = true;
        if (acknowledged) entry.encryptedSecret = verifierInput.encryptedSecret;
        emit FeesSettled(user, msg.sender, verifierInput.id, fee, acknowledged, verifierInput.nonce);

        _payProvider(word, user, fee);
    }

    function _payProvider(AccountWord word, address user, uint256 fee) private {
        (word,) = _spend(word, user, msg.sender, fee);
        if (fee != 0) ILedgerManager(ledgerAddress).spendFund(user, fee);
        _store(user, msg.sender, word);

        if (fee == 0) return;
        (bool ok,) = msg.sender.call{value: fee}("");
        if (!ok) revert ETHTransferFailed();
    }

    /// @dev The first checks, in the order of the deployed contract (specification, section 2.2).
    function _checkSettlement(VerifierInput calldata input) private view returns (AccountWord word) {
        word = _requireAccount(input.user, msg.sender);
        Provider storage provider = _requireService(msg.sender);
        if (!provider.acknowledged || !_isSettleable(word, input.user, msg.sender)) {
            revert InvalidVerifierInput("TEE signer not acknowledged");
        }
        if (input.nonce <= _sides[msg.sender][input.user].nonce || input.nonce > type(uint112).max) {
            revert InvalidVerifierInput("nonce should larger than the current nonce");
        }
    }

    function _feeDue(VerifierInput calldata input, bool acknowledged) private view returns (uint256) {
        return acknowledged ? input.taskFee : _penaltyOf(input.taskFee);
    }

    /// @dev In two parts, so that no fee overflows: as fee * percentage / 100.
    function _penaltyOf(uint256 fee) internal view override returns (uint256) {
        // slither-disable-next-line divide-before-multiply: the remainder is added
        return fee / 100 * penaltyPercentage + (fee % 100) * penaltyPercentage / 100;
    }

    function _checkDelivery(VerifierInput calldata input, Deliverable storage entry) private view {
        if (entry.timestamp == 0) revert DeliverableNotExists(input.id);
        if (entry.settled) revert DeliverableAlreadySettled(input.id);
        if (keccak256(input.modelRootHash) != keccak256(entry.modelRootHash)) {
            revert InvalidVerifierInput("model root hash mismatch");
        }
        if (!_isSignedBy(_providers[msg.sender].signer, input)) {
            revert InvalidVerifierInput("TEE settlement validation failed");
        }
    }

    function _checkSecret(bytes calldata secret, bool acknowledged) private pure {
        if (acknowledged && secret.length == 0) revert SecretShouldNotBeEmpty();
        if (!acknowledged && secret.length != 0) revert SecretShouldBeEmpty();
        _checkLength(secret.length, MAX_SECRET_LENGTH);
    }

    function _isSignedBy(address signer, VerifierInput calldata input) private view returns (bool) {
        bytes32 structHash = keccak256(
            abi.encode(
                MESSAGE_TYPEHASH,
                keccak256(bytes(input.id)),
                keccak256(input.encryptedSecret),
                keccak256(input.modelRootHash),
                input.nonce,
                input.taskFee,
                input.user
            )
        );
        // slither-disable-next-line unused-return: the error says it all
        (address recovered, ECDSA.RecoverError err,) =
            ECDSA.tryRecoverCalldata(_hashTypedDataV4(structHash), input.signature);
        return err == ECDSA.RecoverError.NoError && recovered == signer;
    }

    function _clearAccount(address user, address provider) internal override {
        Ring storage ring = _rings[provider][user];
        if (ring.count != 0) _rings[provider][user] = Ring(0, 0, ring.round + 1);
    }
}
